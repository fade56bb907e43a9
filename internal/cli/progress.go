package cli

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress shows how far a long piece of work has come: a bar on a terminal, otherwise one plain line for each thing that is
// announced.
type Progress struct {
	screen *Screen
	bar    *progressbar.ProgressBar
	said   string

	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewProgress begins; total is the number of units of work, or -1 when only the passing time can be shown. The screen should be that
// of standard error, so that output stays clean.
func NewProgress(s *Screen, total int64) *Progress {
	p := &Progress{screen: s}
	if s.Terminal {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(s), progressbar.OptionEnableColorCodes(false), progressbar.OptionSetWidth(24),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(true),
			progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "#", SaucerPadding: "-", BarStart: "[", BarEnd: "]"}),
		)
		p.stop = make(chan struct{})
		p.stopped.Go(p.tick)
	}
	return p
}

// tick keeps the elapsed time going while one unit of work takes long.
func (p *Progress) tick() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			_ = p.bar.Add(0) // a bar that cannot be drawn must not stop the work
		}
	}
}

// Say announces what is being done now.
func (p *Progress) Say(text string) {
	switch {
	case p.bar != nil:
		p.bar.Describe(text)
	case text != p.said:
		p.screen.Println(text)
	}
	p.said = text
}

// At moves to the given unit of work.
func (p *Progress) At(done int64) {
	if p.bar != nil {
		_ = p.bar.Set64(done) // a bar that cannot be drawn must not stop the work
	}
}

// Done ends the display and leaves the line empty. It must be called once.
func (p *Progress) Done() {
	if p.bar != nil {
		close(p.stop)
		p.stopped.Wait()
		_ = p.bar.Finish()
		_ = p.bar.Exit()
	}
}
