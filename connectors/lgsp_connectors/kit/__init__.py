"""The kit: contract, runner, checkpoints, HTTP, mapping, and the contract test suite."""
