"""Keeps evidence of every call to a receiver, and of every order that a person gives."""
