"""What a Mix project says: text in, facts out. Nothing here touches a file, a process, the clock or the network."""
