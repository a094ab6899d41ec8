export const server = process.env.NEXT_PUBLIC_SERVER ?? 'http://127.0.0.1:8080';
