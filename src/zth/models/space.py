"""What a tuner may try for an option: declared beside the config that has the option, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zth.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Between:
    """Any number from `low` to `high`, both included; whole ones where both ends are whole.

    >>> Between(low=2, high=64), Between(low=0.1, high=1.0, log=False).whole
    (Between(low=2, high=64, log=True), False)
    """

    low: float
    high: float
    log: bool = True
    """Every factor of two is as likely as the next: for rates and sizes."""

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.log and self.low <= 0):
            raise ConfigError(
                f"There is no range from {self.low} to {self.high}{' in factors' if self.log else ''}.",
                "The lower end comes first, and a range in factors begins above 0.",
            )

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class OneOf:
    """One of the listed values."""

    values: tuple[str | int | float | bool, ...]


Space = Mapping[str, Between | OneOf]
"""Option -> what may be tried for it."""
