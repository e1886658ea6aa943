// breaks compiler: Cannot find name 'process'
export const pid = (): number => process.pid;
