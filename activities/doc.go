// Package activities holds what an order does to the world, one file per capability. The interfaces of the parts that they
// need stand here; the rooms that meet them (store, ca, dcv/probe, mail) are plugged in by app.
package activities
