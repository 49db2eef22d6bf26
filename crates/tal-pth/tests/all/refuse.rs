//! Files that must be refused or found damaged: hand-made archives around hand-made pickles.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use tal_pth::{PthError, PthFile, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn archive_of(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(format!("net/{name}"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn load(pickle: &[u8]) -> Result<PthFile, PthError> {
    let entries: [(&str, &[u8]); 2] = [("data.pkl", pickle), ("data/0", &[0; 16])];
    PthFile::from_bytes("net.pth", archive_of(&entries, CompressionMethod::Stored))
}

fn error(pickle: &[u8]) -> String {
    load(pickle).unwrap_err().to_string()
}

fn refusal(pickle: &[u8]) -> (String, String, usize) {
    match load(pickle).unwrap_err() {
        PthError::Refused {
            what,
            opcode,
            position,
            ..
        } => (what, opcode, position),
        other => panic!("{other}"),
    }
}

/// `_rebuild_tensor_v2` on a storage of `count` floats with the given size, stride and offset opcodes.
fn tensor(count: u8, offset: &[u8], size: &[u8], stride: &[u8]) -> Vec<u8> {
    let mut pickle =
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage".to_vec();
    pickle.extend(b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu");
    pickle.extend([b'K', count]);
    pickle.extend(b"tQ");
    pickle.extend(offset);
    pickle.extend(size);
    pickle.extend(stride);
    pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR.");
    pickle
}

#[test]
fn the_hand_made_tensor_is_read() {
    let file = load(&tensor(4, b"K\x01", b"K\x03\x85", b"K\x01\x85")).unwrap();
    let data = file.tensor(file.root().as_tensor().unwrap()).unwrap();
    assert_eq!(data.as_f32().unwrap(), [0.0; 3]);
}

#[test]
fn calls_are_refused() {
    let os_system = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.";
    assert_eq!(refusal(os_system), ("os.system".into(), "GLOBAL".into(), 2));
    let eval = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.";
    assert_eq!(refusal(eval).0, "builtins.eval");
    assert_eq!(refusal(eval).1, "STACK_GLOBAL");
    assert_eq!(
        refusal(b"(X\x02\x00\x00\x00lsios\nsystem\n.").0,
        "an instance of os.system"
    );
    assert_eq!(refusal(b"ccollections\nOrderedDict\n)\x81.").1, "NEWOBJ");
    assert_eq!(refusal(b"(ccollections\nOrderedDict\no.").1, "OBJ");
    // Calling what was called, or data.
    assert_eq!(
        refusal(b"ccollections\nOrderedDict\n)R)R.").0,
        "a call of an OrderedDict"
    );
    assert_eq!(refusal(b"ctorch\nFloatStorage\n)R.").1, "REDUCE");
    // Arrays of other classes or of objects, sets, extension codes, out-of-band buffers.
    let matrix = b"cnumpy\nmatrix\n.";
    assert_eq!(refusal(matrix).0, "numpy.matrix");
    let class = b"cnumpy.core.multiarray\n_reconstruct\nccollections\nOrderedDict\nNN\x87R.";
    assert_eq!(
        refusal(class).0,
        "a numpy array of the class collections.OrderedDict"
    );
    let mut objects = b"cnumpy.core.numeric\n_frombuffer\n(C\x01a".to_vec();
    objects.extend(b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x85RK\x01\x85X\x01\x00\x00\x00CtR.");
    assert_eq!(refusal(&objects).0, "a numpy array of objects from bytes");
    assert_eq!(refusal(b"\x80\x04\x8f.").0, "opcode EMPTY_SET");
    assert_eq!(refusal(b"\x80\x02\x82\x01.").0, "opcode EXT1");
    assert_eq!(refusal(b"\x80\x05\x97.").0, "opcode NEXT_BUFFER");
    assert_eq!(refusal(b"P0\n.").0, "opcode PERSID");
    assert_eq!(refusal(b"\xff.").0, "opcode 0xff");
}

#[test]
fn state_beyond_dictionaries_is_refused() {
    assert_eq!(refusal(b"]}b.").0, "attributes of a list");
    assert_eq!(refusal(b"}}b.").0, "attributes of a dict");
    assert!(load(b"ccollections\nOrderedDict\n)R}b.").is_ok());
    assert_eq!(
        refusal(b"ctorch\nFloatStorage\n.").0,
        "torch storage of F32 as a value"
    );
    assert_eq!(
        refusal(b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85R.").0,
        "numpy.dtype(\"f8\") as a value"
    );
    let scalar =
        b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00O8\x85RC\x01a\x86R.";
    assert!(
        refusal(scalar)
            .0
            .starts_with("a numpy scalar of the type \"O8\"")
    );
    let codec = b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.";
    assert_eq!(refusal(codec).0, "_codecs.encode to \"rot13\"");
}

#[test]
fn tensors_stay_inside_their_storage() {
    let wrong = |offset: &[u8], size: &[u8], stride: &[u8]| error(&tensor(4, offset, size, stride));
    assert!(
        wrong(b"K\x02", b"K\x03\x85", b"K\x01\x85").contains("needs 5 values, its storage has 4")
    );
    assert!(wrong(b"K\x00", b"K\x03\x85", b"K\x02\x85").contains("needs 5 values"));
    assert!(
        wrong(b"K\x00", b"J\xff\xff\xff\xff\x85", b"K\x01\x85")
            .contains("-1 where a count must be")
    );
    assert!(wrong(b"K\x00", b"K\x01\x85", b")").contains("1 dimensions with 0 strides"));
    assert!(
        wrong(b"G\x00\x00\x00\x00\x00\x00\x00\x00", b")", b")").contains("a float where a count")
    );
    // 2^62 values, alone and beside a dimension of zero; a broadcast of 2^40 values.
    let huge = b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40";
    let size = [huge.as_slice(), huge, b"\x86"].concat();
    assert!(wrong(b"K\x00", &size, b"K\x00K\x00\x86").contains("a tensor of the sizes"));
    let size = [huge.as_slice(), huge, b"K\x00\x87"].concat();
    assert!(wrong(b"K\x00", &size, b"K\x00K\x00K\x00\x87").contains("a tensor of the sizes"));
    let size = b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85";
    assert!(
        wrong(b"K\x00", size, b"K\x00\x85").contains("values of a broadcast tensor: 1099511627776")
    );
    // The storage itself has 16 bytes.
    assert!(
        error(&tensor(5, b"K\x00", b")", b")"))
            .contains("storage \"0\": has 16 bytes instead of 20")
    );
}

#[test]
fn a_storage_must_be_there() {
    let pickle = tensor(4, b"K\x00", b")", b")");
    let bytes = archive_of(&[("data.pkl", &pickle)], CompressionMethod::Stored);
    let error = PthFile::from_bytes("net.pth", bytes)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "net.pth: storage \"0\": no entry \"net/data/0\" in the archive"
    );
}

#[test]
fn damaged_pickles_are_located() {
    assert!(
        error(b"").contains("damaged pickle at byte 0 (opcode none): the pickle ends before STOP")
    );
    assert!(error(b"\x80\x02}").contains("at byte 3"));
    assert!(error(b"\x80\x09.").contains("protocol 9 is unknown"));
    assert!(error(b".").contains("the stack is empty"));
    assert!(error(b"K\x01(.").contains("the stack is empty"));
    assert!(error(b"t.").contains("there is no mark"));
    assert!(error(b"h\x05.").contains("no memo entry 5"));
    assert!(
        error(b"X\xff\xff\xff\x7fab.").contains("needs 2147483647 bytes, the pickle has 3 left")
    );
    assert!(
        error(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.").contains("needs 18446744073709551615")
    );
    assert!(error(b"C\x05ab.").contains("needs 5 bytes"));
    assert!(error(b"X\x01\x00\x00\x00\xff.").contains("text is not UTF-8"));
    assert!(error(b"}(K\x01u.").contains("a key without a value"));
    assert!(error(b"}]K\x01s.").contains("a list as a key"));
    assert!(error(b"}K\x01NsK\x01Ns.").contains("the key Int(1) twice"));
    assert!(error(b"K\x01K\x02a.").contains("an int where a list must be"));
    assert!(error(b"cos").contains("a name without an end"));
    let wide = b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.";
    assert_eq!(
        refusal(wide).0,
        "an int of 9 bytes, which does not fit 64 bits"
    );
    let minimum = b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\xff.";
    assert_eq!(load(minimum).unwrap().root(), &Value::Int(i64::MIN));
}

#[test]
fn nesting_and_sharing_are_bounded() {
    let deep = [b"]".repeat(1000), b"a".repeat(999), b".".to_vec()].concat();
    assert!(error(&deep).contains("nesting of the values"));
    assert!(
        error(b"]q\x00h\x00a.").contains("nesting of the values"),
        "a list within itself"
    );
    // Sixty lists, each with twice the one before.
    let laughs = [b"]".to_vec(), b"2\x86".repeat(60), b".".to_vec()].concat();
    assert!(error(&laughs).contains("values in the pickle"));
    let text = [
        b"X\x00\x00\x01\x00".to_vec(),
        vec![b'a'; 65536],
        b"2\x86".repeat(12),
        b".".to_vec(),
    ];
    assert!(error(&text.concat()).contains("bytes of text in the pickle"));
    // One list of ten thousand pairs made a dictionary ten thousand times.
    let mut copies = b"ccollections\nOrderedDict\nq\x000](".to_vec();
    copies.extend(b"NN\x86".repeat(10_000));
    copies.extend(b"e\x85q\x010");
    copies.extend(b"h\x00h\x01R0".repeat(10_000));
    copies.extend(b"N.");
    assert!(error(&copies).contains("copies within the pickle"));
    // Five million values in a few kilobytes.
    let many = [b"(".to_vec(), vec![b'N'; 5 << 20], b"t.".to_vec()].concat();
    let bytes = archive_of(&[("data.pkl", &many)], CompressionMethod::Deflated);
    assert!(bytes.len() < 20_000);
    let error = PthFile::from_bytes("net.pth", bytes)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "net.pth: values in the pickle: 4194305 is more than the allowed 4194304"
    );
}

#[test]
fn lying_sizes_are_found_before_reading() {
    let entries: [(&str, &[u8]); 1] = [("data.pkl", b"N.")];
    let mut bytes = archive_of(&entries, CompressionMethod::Stored);
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[central + 20..central + 28].copy_from_slice(&[0, 0, 0, 0x70, 0, 0, 0, 0x70]);
    let error = PthFile::from_bytes("net.pth", bytes)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("an entry claims 1879048192 bytes"),
        "{error}"
    );
}

#[test]
fn other_files_are_named() {
    let open = |bytes: &[u8]| PthFile::from_bytes("f.pth", bytes.to_vec()).unwrap_err();
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let old = open(&tar);
    assert!(matches!(old, PthError::Legacy { .. }));
    assert!(
        old.to_string()
            .contains("torch.save(torch.load(f, map_location=\"cpu\"), g)")
    );
    // The format before 1.6, without anything behind its magic number.
    let legacy = open(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.");
    assert!(
        legacy
            .to_string()
            .contains("damaged pickle at byte 15 (opcode none): the pickle ends before STOP"),
        "{legacy}"
    );
    assert!(
        open(b"")
            .to_string()
            .contains("begins with nothing (it is empty)")
    );
    assert!(
        open(b"hello world")
            .to_string()
            .contains("begins with \"hello wo\"")
    );
    let no_pickle = archive_of(&[("other.txt", b"")], CompressionMethod::Stored);
    assert!(open(&no_pickle).to_string().contains("no NAME/data.pkl"));
    let order: [(&str, &[u8]); 2] = [("data.pkl", b"N."), ("byteorder", b"middle")];
    let order = archive_of(&order, CompressionMethod::Stored);
    assert!(open(&order).to_string().contains("neither little nor big"));
    assert!(matches!(
        PthFile::open("/nonexistent/f.pth"),
        Err(PthError::Io { .. })
    ));
}

const VALID: [&[u8]; 2] = [
    include_bytes!("../fixtures/pth/protocol2.pth"),
    include_bytes!("../fixtures/pth/protocol4.pth"),
];

fn read_all(bytes: Vec<u8>) -> Result<(), PthError> {
    let file = PthFile::from_bytes("mutated.pth", bytes)?;
    for (_, tensor) in file.require(&["state_dict"])?.named_tensors() {
        file.tensor(tensor)?;
    }
    Ok(())
}

/// The pickle inside one of the files.
fn pickle_of(bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let index = (0..zip.len())
        .find(|&i| {
            zip.by_index(i)
                .unwrap()
                .name()
                .unwrap()
                .ends_with("data.pkl")
        })
        .unwrap();
    let mut pickle = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_index(index).unwrap(), &mut pickle).unwrap();
    pickle
}

proptest! {
    // Files of failures are found only beside a lib.rs.
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_panic(
        which in 0..2usize, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = VALID[which].to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read_all(bytes);
    }

    // Past the checksums of the archive, straight into the machine.
    #[test]
    fn mutated_pickles_never_panic(
        which in 0..2usize, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut pickle = pickle_of(VALID[which]);
        for (at, byte) in edits {
            let at = at.index(pickle.len());
            pickle[at] = byte;
        }
        if let Some(cut) = cut {
            pickle.truncate(cut.index(pickle.len()));
        }
        let entries: Vec<(String, Vec<u8>)> = (0..12).map(|i| (format!("data/{i}"), vec![1; 96])).collect();
        let mut entries: Vec<(&str, &[u8])> = entries.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        entries.push(("data.pkl", &pickle));
        let _ = read_all(archive_of(&entries, CompressionMethod::Stored));
    }

    #[test]
    fn random_pickles_never_panic(pickle in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = load(&pickle);
    }

    #[test]
    fn truncated_files_are_errors(which in 0..2usize, at in any::<prop::sample::Index>()) {
        let bytes = VALID[which];
        prop_assert!(read_all(bytes[..at.index(bytes.len())].to_vec()).is_err());
    }
}
