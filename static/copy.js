// Adds a button to each text that is there to be copied. Without scripts it is selected and copied by hand.
if (navigator.clipboard) {
  for (const text of document.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain copy';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', `Copy ${text.dataset.copy}`);
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = 'Copied';
      button.setAttribute('aria-label', `Copied ${text.dataset.copy}`);
    });
    text.after(button);
  }
}
