"""The national portal (DVCQG): its wire contract, client and sync planner."""
