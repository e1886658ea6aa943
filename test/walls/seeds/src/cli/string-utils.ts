// breaks tidy: does not say what it is
export const upper = (text: string): string => text.toUpperCase();
