// What the console does beyond links and forms. Pages work without it.
