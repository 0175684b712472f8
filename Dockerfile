# A static binary on an empty image: no shell, no package manager, no root.
# docker build --build-arg VERSION="$(git describe --tags --always)" -t muster .

ARG GO=1.26
FROM golang:${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /out/muster ./cmd/muster \
 && mkdir -p /out/data

FROM scratch
# Certificates to verify Slack with; time zones are inside the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/muster /usr/bin/muster
# The state: mount a volume here that user 65532 may write to.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
ENV MUSTER_STORE=bolt:///data/muster.db \
    MUSTER_LISTEN=0.0.0.0:8080
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["/usr/bin/muster"]
CMD ["serve"]
