"""Sign-in: who somebody is: by a password, a link, a proxy's word or a provider's."""
