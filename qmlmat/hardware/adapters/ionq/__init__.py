"""IonQ: jobs of many circuits, found again by the key in their metadata."""
