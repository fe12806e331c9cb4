"""The Flask seam: blueprints, problem+json, languages, sessions, caching, limits and logs."""
