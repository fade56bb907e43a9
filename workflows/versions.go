package workflows

// Behaviour that changes for orders already under way hides behind workflow.GetVersion with an id that names the behaviour, such
// as "mail-before-reminder", listed here with the release that introduced it and the reason. There is none yet: the histories in
// testdata/histories are of the first release, and replay_test.go holds every later one to them.
