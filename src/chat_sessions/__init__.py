"""Keeps the chat sessions of an AI product, and deletes them for good."""
