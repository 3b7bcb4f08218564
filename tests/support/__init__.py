"""What the tests of several folders share: builders, hostile servers, readers, runners."""
