// Translates the texts of scripts: `gettext("Copied")`, `ngettext("{n} picture", "{n} pictures", n)`. Pages in English hold
// no `window.texts`; for other languages the server writes it from gallery/locale.

const PLURALS = {
  fr: n => Number(n >= 2),
  ja: () => 0,
  pt: n => Number(n >= 2),
}
const pluralIndex = PLURALS[document.documentElement.lang] ?? (n => Number(n !== 1))
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)

// A text that is also the singular of a plural has all forms there.
window.gettext = (text, values = {}) => fill([window.texts?.[text] || text].flat()[0], values)
window.ngettext = (singular, plural, n, values = {}) => {
  const forms = window.texts?.[singular] ?? [singular, plural]
  return fill(forms[pluralIndex(n)], { n: n.toLocaleString(document.documentElement.lang), ...values })
}
