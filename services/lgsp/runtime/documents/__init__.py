"""YAML files that we are given: read with the line of each key, judged with every fault."""
