"""Reports of an evaluation: a page to look at, Markdown for a pull request, JUnit for a build server, JSON for the rest."""
