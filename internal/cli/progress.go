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

	drawing sync.Mutex // held by whoever writes on the bar's line
	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewProgress begins; total is the number of units of work, or -1 when only the passing time can be shown. The screen should be that
// of standard error, so that output stays clean.
func NewProgress(s *Screen, total int64) *Progress {
	p := &Progress{screen: s}
	if s.Terminal {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(s), progressbar.OptionEnableColorCodes(false), progressbar.OptionSetWidth(p.barWidth()),
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
			p.draw(func() error { return p.bar.Add(0) })
		}
	}
}

// Say announces what is being done now.
func (p *Progress) Say(text string) {
	switch {
	case p.bar != nil:
		width, _ := p.screen.Size()
		p.draw(func() error { p.bar.Describe(Shorten(text, max(0, width-p.barWidth()-besideBar))); return nil })
	case text != p.said:
		p.screen.Println(text)
	}
	p.said = text
}

// At moves to the given unit of work.
func (p *Progress) At(done int64) {
	if p.bar != nil {
		p.draw(func() error { return p.bar.Set64(done) })
	}
}

// Aside lets write print lines, to whichever screen, while the bar is out of the way.
func (p *Progress) Aside(write func()) {
	if p.bar == nil {
		write()
		return
	}
	p.draw(func() error {
		_, _ = p.screen.Write([]byte("\r\x1b[K"))
		write()
		return p.bar.RenderBlank()
	})
}

// besideBar is the room for the brackets, the percentage, the count and the time beside the bar and its text. A line that wrapped could
// not be overwritten.
const besideBar = 32

func (p *Progress) barWidth() int {
	if width, _ := p.screen.Size(); width < 100 {
		return 10
	}
	return 24
}

// draw does one thing to the bar at a time. A bar that cannot be drawn must not stop the work.
func (p *Progress) draw(what func() error) {
	p.drawing.Lock()
	defer p.drawing.Unlock()
	_ = what()
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
