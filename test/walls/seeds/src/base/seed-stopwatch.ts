// breaks tidy: uses performance
export const stopwatch = (): number => performance.now();
