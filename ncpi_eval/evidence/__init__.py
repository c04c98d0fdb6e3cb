"""The evidence that is not the survey: documents, coding, framework, logic model, triangulation."""
