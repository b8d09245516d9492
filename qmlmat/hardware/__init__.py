"""Cloud quantum hardware: what is measured, what it costs, and a record of what was sent."""
