package workflows

// Behaviour that changes for workflows already under way hides behind workflow.GetVersion with an id that names the behaviour, listed
// here with its reason. Histories from before stay in testdata/histories, and replay_test.go holds every later version to them.
const (
	// listByList: each issuing CA's list is published by an activity of its own on the queue of its key. Before, one activity published
	// those of whichever worker took it, and repeated all when one failed.
	listByList = "list-by-list"
	// lookBeforeWarning: a revocation reads the record before it warns. Before, one whose report had been settled by another request warned
	// of a clock that had stopped. Version 1 waited for the record without end, and with it the warning; version 2 waits a minute,
	// and has it recorded beside the clock.
	lookBeforeWarning = "look-before-warning"
	// answerClock: a problem report has a second clock for its preliminary answer, a clock follows the record when it moves and leaves out
	// warnings that are overtaken, and a look that comes in late undoes nothing. Before, a revocation had one clock, and looked at what it
	// had found when it set its timer.
	answerClock = "answer-clock"
	// noEndWithoutList: a list that has never been published has no end that a run would show as its deadline. Before, that was the year 1.
	noEndWithoutList = "no-end-without-list"
)
