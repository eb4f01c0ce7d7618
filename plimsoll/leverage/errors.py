"""What a plan for more or less leverage cannot do."""

from __future__ import annotations

from plimsoll.errors import BadInput


class CannotLever(BadInput):
    """The account, the asset or the amount does not allow it; `remedy` says what would."""
