"""An exercise pack for zth: who may be drawn when a model writes. `cuts` is its library."""
