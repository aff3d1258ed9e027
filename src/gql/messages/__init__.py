"""Messages to people: what they say, who carries them, and the post that takes codes and warnings along."""
