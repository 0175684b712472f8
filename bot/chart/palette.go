package chart

import (
	"image"
	"image/color"
)

// shades is how many steps lie between white and a colour: enough for the soft
// edges of letters and lines.
const shades = 12

// palette returns the colours of a picture: each that is drawn with, in shades
// up to white.
func palette() color.Palette {
	drawn := []color.RGBA{{A: 255}, unknownStyle().colour}
	for _, s := range styles() {
		drawn = append(drawn, s.colour)
	}
	p := color.Palette{color.White}
	for _, c := range drawn {
		for i := 1; i <= shades; i++ {
			p = append(p, color.RGBA{R: shade(c.R, i), G: shade(c.G, i), B: shade(c.B, i), A: 255})
		}
	}
	return p
}

func shade(c uint8, step int) uint8 { return uint8(255 - (255-int(c))*step/shades) }

// indexed returns the picture with a colour table, which makes its file a third
// of the size.
func indexed(picture image.Image) *image.Paletted {
	out := image.NewPaletted(picture.Bounds(), palette())
	known := map[color.Color]uint8{} // bounded by the colours of a drawing: some thousands
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := picture.At(x, y)
			i, ok := known[c]
			if !ok {
				i = uint8(out.Palette.Index(c))
				known[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}
