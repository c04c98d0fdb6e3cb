"""What happens to a survey file between its columns and a frame that can be analysed."""
