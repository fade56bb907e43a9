// Package app wires the rooms together. The programs are types here, so that main, the development stack, the tests and the
// benchmarks all run the same thing.
package app
