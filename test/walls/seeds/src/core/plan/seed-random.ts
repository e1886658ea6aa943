// breaks tidy: uses Math.random
export const dice = (): number => Math.random();
