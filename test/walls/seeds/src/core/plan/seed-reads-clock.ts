// breaks tidy: uses Date.now
export const now = (): number => Date.now();
