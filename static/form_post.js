// Sends an authorization response on at once; without scripts its button does so.
document.forms[0].submit();
