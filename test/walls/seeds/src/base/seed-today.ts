// breaks tidy: uses new Date()
export const today = (): string => new Date().toISOString();
