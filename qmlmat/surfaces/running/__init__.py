"""How a scan is computed: what is next, who computes it, and what is made of what comes back."""
