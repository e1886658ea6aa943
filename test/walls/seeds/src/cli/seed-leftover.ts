// breaks tidy: has a leftover
// FIXME: later
export const later = true;
