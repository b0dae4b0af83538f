"""What a rule's author meant: which events, how they belong together, what identifies the alert."""
