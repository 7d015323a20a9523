//! wali-rustc -O examples/hello.rs -o hello.wasm && wali run hello.wasm some words
use std::process::Command;
use std::thread;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let threads = words
        .into_iter()
        .map(|word| thread::spawn(move || word.chars().rev().collect()));
    let threads: Vec<thread::JoinHandle<String>> = threads.collect();
    for thread in threads {
        println!("{}", thread.join().expect("it does not panic"));
    }
    let system = Command::new("uname").output().expect("uname is there");
    print!("on {}", String::from_utf8_lossy(&system.stdout));
}
