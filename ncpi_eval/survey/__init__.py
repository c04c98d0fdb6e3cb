"""Survey analysis: frames in, frames out."""
