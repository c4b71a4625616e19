"""The technologies that play the roles of `kit.ports`. Import the module you need: each needs only its own packages."""
