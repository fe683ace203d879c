use super::*;
use crate::tensor::dtype::DType;
use crate::tensor::ops::copy;

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rekindle-models-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Tensors of every type, of several shapes, some of them views.
fn samples() -> Vec<Entry> {
    let numbers: Vec<f64> = (0..24).map(|i| f64::from(i) - 3.0).collect();
    let base = Tensor::from_slice(&numbers).unwrap();
    base.resize(&[2, 3, 4]).unwrap();
    let mut out = vec![];
    for dtype in DType::ALL {
        out.push(Entry { name: format!("all.{}", dtype.name()), tensor: copy::to_type(&base, dtype).unwrap() });
    }
    let turned = base.with_layout(base.layout().transpose(0, 2).unwrap());
    out.push(Entry { name: "turned".into(), tensor: turned });
    out.push(Entry { name: "part \"1\"/ä".into(), tensor: base.select(1, 1).unwrap() });
    out.push(Entry { name: "empty".into(), tensor: Tensor::empty(DType::Float) });
    out.push(Entry { name: "again".into(), tensor: base });
    out.push(Entry { name: "third".into(), tensor: out[out.len() - 1].tensor.clone() });
    out
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    let values = |t: &Tensor| copy::to_type(t, DType::Double).unwrap().to_vec::<f64>().unwrap();
    a.dtype() == b.dtype() && a.numel() == b.numel() && (a.numel() == 0 || a.same_size(b) && values(a) == values(b))
}

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new("round");
    for suffix in ["safetensors", "npz", "pth"] {
        let (path, entries) = (folder.file(&format!("m.{suffix}")), samples());
        save(&path, &entries).unwrap();
        let found = load(&path).unwrap();
        assert_eq!(found.len(), entries.len());
        for (a, b) in entries.iter().zip(&found) {
            assert_eq!(a.name, b.name);
            assert!(same(&a.tensor, &b.tensor), "{suffix} {}", a.name);
        }
        let shared = found[found.len() - 1].tensor.same_storage(&found[found.len() - 2].tensor);
        assert_eq!(shared, suffix != "npz");
    }
    let array = Entry { name: "array".into(), tensor: Tensor::from_slice(&[1i16, 2]).unwrap() };
    save(&folder.file("a.npy"), std::slice::from_ref(&array)).unwrap();
    assert!(same(&load(&folder.file("a.npy")).unwrap()[0].tensor, &array.tensor));
}

#[test]
fn large_views_are_written_in_pieces() {
    let folder = Folder::new("pieces");
    let wide = Tensor::new(DType::Float, &[3, 400_000]).unwrap();
    for i in 0..1_200_000 {
        wide.set_element(i, i as f32);
    }
    let turned = wide.with_layout(wide.layout().transpose(0, 1).unwrap());
    let line = turned.select(1, 1).unwrap();
    let entries = [("turned", turned), ("line", line)].map(|(n, tensor)| Entry { name: n.into(), tensor });
    for suffix in ["safetensors", "npz"] {
        let path = folder.file(&format!("m.{suffix}"));
        save(&path, &entries).unwrap();
        let found = load(&path).unwrap();
        assert!(entries.iter().zip(&found).all(|(a, b)| same(&a.tensor, &b.tensor)));
    }
}

#[test]
fn suffixes_and_names_are_checked() {
    let folder = Folder::new("names");
    let one = |name: &str| Entry { name: name.into(), tensor: Tensor::from_slice(&[1.0f32]).unwrap() };
    let text = save(&folder.file("m.t7"), &[one("a")]).unwrap_err().to_string();
    assert!(text.contains(".safetensors"), "{text}");
    let text = save(&folder.file("m.pth"), &[one("a"), one("a")]).unwrap_err().to_string();
    assert!(text.contains("two tensors are called 'a'"), "{text}");
    let text = load(&folder.file("none.npz")).unwrap_err().to_string();
    assert!(text.contains("none.npz"), "{text}");
}
