"""Witness events: from a rule's plan alone, events that it must alert on and events that just miss it."""

from translator.verify.witness.making import made, reached, worlds
from translator.verify.witness.model import Atom, Coverage, Event, Unreached, World, Worlds

__all__ = ["Atom", "Coverage", "Event", "Unreached", "World", "Worlds", "made", "reached", "worlds"]
