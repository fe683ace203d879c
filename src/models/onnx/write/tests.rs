use super::*;

fn example() -> Model {
    let mut m = Model::default();
    m.port(true, "x", DType::Float, &[BATCH, 3]);
    m.weight("w", &Tensor::from_slice(&[1.0f32, 2.0, 3.0]).expect("a tensor")).expect("a weight");
    m.ints("axes", &[0, 1]);
    m.float("alpha", 0.5);
    m.node("Add", "add", &["x", "w"], &["y"]);
    m.port(false, "y", DType::Float, &[BATCH, 3]);
    m
}

fn saved(m: &Model, name: &str, inline: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let dir = std::env::temp_dir().join(format!("rekindle-onnx-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let path = dir.join("m.onnx");
    m.save(path.to_str().expect("a name"), 17, inline).expect("a file");
    let files = (std::fs::read(&path).expect("a file"), std::fs::read(dir.join("m.onnx.data")).ok());
    std::fs::remove_dir_all(&dir).expect("the folder");
    files
}

/// The fields of a message: number, and value or bytes.
fn fields(mut from: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(from: &mut &[u8]) -> u64 {
        let mut v = 0;
        for shift in (0..).step_by(7) {
            let b = from[0];
            *from = &from[1..];
            v |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                break;
            }
        }
        v
    }
    let mut found = vec![];
    while !from.is_empty() {
        let tag = varint(&mut from);
        let (value, n) = match tag & 7 {
            0 => (varint(&mut from), 0),
            5 => (0, 4),
            _ => (0, varint(&mut from) as usize),
        };
        found.push((tag >> 3, value, &from[..n]));
        from = &from[n..];
    }
    found
}

#[test]
fn lengths_are_those_of_what_follows() {
    let (file, data) = saved(&example(), "inline", INLINE);
    assert!(data.is_none());
    let model = fields(&file);
    let graph = fields(model.iter().find(|f| f.0 == 7).expect("a graph").2);
    let numbers: Vec<u64> = graph.iter().map(|f| f.0).collect();
    assert_eq!(numbers, [1, 5, 2, 11, 12]);
    let weight = fields(graph[1].2);
    assert_eq!(weight.last().expect("elements").2, [1.0f32, 2.0, 3.0].map(f32::to_le_bytes).concat());
}

#[test]
fn large_weights_lie_beside_the_file() {
    let (file, data) = saved(&example(), "beside", 4);
    assert_eq!(data.expect("a second file"), [1.0f32, 2.0, 3.0].map(f32::to_le_bytes).concat());
    let model = fields(&file);
    let graph = fields(model.iter().find(|f| f.0 == 7).expect("a graph").2);
    assert_eq!(graph.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 5, 2, 11, 12]);
    assert!(fields(graph[1].2).iter().any(|f| f.0 == 14 && f.1 == 1));
}

#[test]
fn a_tensor_without_elements_is_no_number() {
    let mut m = example();
    m.weight("none", &Tensor::empty(DType::Float)).expect("a weight");
    let (file, _) = saved(&m, "none", INLINE);
    let model = fields(&file);
    let graph = fields(model.iter().find(|f| f.0 == 7).expect("a graph").2);
    let none = fields(graph[2].2);
    assert_eq!((none[0].0, none[0].1), (1, 0));
}

#[test]
fn what_cannot_be_written_is_told() {
    let mut m = example();
    assert!(m.save("/nonexistent/m.onnx", 17, INLINE).expect_err("an error").to_string().contains("m.onnx"));
    assert!(m.save("m.onnx", 99, INLINE).expect_err("an error").to_string().contains("opset"));
    let two = Tensor::from_slice(&[1.0f32, 2.0]).expect("a tensor");
    assert!(m.scalar("s", &two).is_err());
}
