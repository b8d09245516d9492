"""The record of what was sent to a device: tasks, jobs, results, costs; it survives any kill."""
