//! Compiles the schema: messages and gRPC stubs by prost and tonic, and from
//! the options in the schema the AWS JSON encoding and a Debug that shows no
//! bytes.

#[path = "build/aws_json.rs"]
mod aws_json;
#[path = "build/debug.rs"]
mod debug;
#[path = "build/schema.rs"]
mod schema;

use std::{env, fs, path::PathBuf};

use prost_reflect::DescriptorPool;

const PACKAGE: &str = "meridian.v1";

/// Files that only carry options; no Rust is generated for them.
const OPTION_FILES: [&str; 2] = [
    "meridian/v1/options.proto",
    "google/protobuf/descriptor.proto",
];

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let root = manifest.join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");

    let mut compiler = protox::Compiler::new([&root]).expect("the schema directory exists");
    compiler.include_imports(true).include_source_info(true);
    compiler
        .open_files(
            ["kms", "node", "chaos", "audit"].map(|file| format!("meridian/v1/{file}.proto")),
        )
        .unwrap_or_else(|error| panic!("{error:?}"));

    let encoded = compiler.encode_file_descriptor_set();
    let pool = DescriptorPool::decode(encoded.as_slice()).expect("just encoded");
    fs::write(out.join("descriptors.bin"), &encoded).expect("OUT_DIR is writable");

    let schema = schema::Schema::read(&pool, "meridian/v1/kms.proto");
    let secretive = debug::messages(&pool, &schema);
    let generated = aws_json::generate(&schema) + &debug::generate(&secretive, &schema);
    fs::write(out.join("impls.rs"), generated).expect("OUT_DIR is writable");

    let mut files = compiler.file_descriptor_set();
    files
        .file
        .retain(|file| !OPTION_FILES.contains(&file.name()));
    let mut config = prost_build::Config::new();
    // Every answer is as large as the largest one, and moves several times on
    // its way out: what describes a key goes in a box.
    config
        .bytes(["."])
        .btree_map(["."])
        .boxed(".meridian.v1.CreateKeyResponse.key_metadata")
        .boxed(".meridian.v1.DescribeKeyResponse.key_metadata")
        .boxed(".meridian.v1.ReplicateKeyResponse.replica_key_metadata")
        .skip_debug(secretive.iter().map(|m| format!(".{}", m.full_name())));
    #[cfg(feature = "grpc")]
    config.service_generator(tonic_prost_build::configure().service_generator());
    config
        .compile_fds(files)
        .unwrap_or_else(|error| panic!("{error:?}"));
}
