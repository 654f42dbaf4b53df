// The type of go-program.mjs for tests in TypeScript.
export function goProgram(name: string, folder: string): string;
