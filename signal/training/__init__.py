"""How the weights in ``vigie_signal`` were trained; part of the repository, never of the package."""
