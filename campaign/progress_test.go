package campaign

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// People own services. Two tracks on one of them do not make it two.
func TestAHeadlineCountsTargetsAndNotTasks(t *testing.T) {
	tests := map[string]struct {
		tasks []Task
		want  ProgressData
	}{
		"contained, not fixed: not done": {
			tasks: []Task{{Target: "a", Track: "mitigate", Status: TaskVerified}, {Target: "a", Track: "fix", Status: TaskOpen}},
			want:  ProgressData{Count: 1},
		},
		"contained and fixed": {
			tasks: []Task{{Target: "a", Track: "mitigate", Status: TaskVerified}, {Target: "a", Track: "fix", Status: TaskExcepted}},
			want:  ProgressData{Count: 1, Done: 1},
		},
		"one by word only": {
			tasks: []Task{{Target: "a", Track: "mitigate", Status: TaskVerified}, {Target: "a", Track: "fix", Status: TaskClaimed}, {Target: "b", Track: "fix", Status: TaskVerified}},
			want:  ProgressData{Count: 2, Done: 1, Claimed: 1},
		},
		"blocked on both tracks": {
			tasks: []Task{{Target: "a", Track: "mitigate", Status: TaskOpen, Blocked: "freeze"}, {Target: "a", Track: "fix", Status: TaskOpen, Blocked: "freeze"}},
			want:  ProgressData{Count: 1, Blocked: 1},
		},
		"unscanned": {tasks: []Task{{Target: "a", Track: "fix", Status: TaskUnknown}}, want: ProgressData{Count: 1, Unknown: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got ProgressData
			countTargets(&got, tt.tasks)
			require.Equal(t, tt.want, got)
		})
	}
}
