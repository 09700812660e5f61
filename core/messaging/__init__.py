"""Messages: threads, queue, routing, dispatch, reports, incoming texts, texts with variables."""
