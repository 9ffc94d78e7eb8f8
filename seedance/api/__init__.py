"""The REST API: our rows spoken to programs. No view here ever talks to a provider."""
