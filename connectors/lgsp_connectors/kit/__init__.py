"""The kit: contract, runner, checkpoints, HTTP, mapping and a contract test suite for connectors."""
