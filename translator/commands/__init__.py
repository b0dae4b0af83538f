"""What each command does, a module each, named as the command."""
